"""What a service needs between its handlers and the APIs it asks: fan-out, limits, hedging, sharing, caching, shedding.

Each part stands alone; none knows of HTTP. They are plain asyncio, and what they call is any function that takes no
arguments and gives something to await.
"""
