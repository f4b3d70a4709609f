"""Whether the client's books balance."""

from milkrun.client import Client


def balanced(client: Client) -> bool:
    """Every connection opened is open or was closed for a reason, and holds one descriptor of the budget."""
    stats = client.stats()
    connections = stats["connections"]
    return (
        connections == recounted(client)
        and stats["opened_total"] == sum(stats["closed_total"].values()) + connections["open"]
        and stats["requests_total"] == stats["warm_total"] + stats["cold_total"]
        and connections["idle"] + connections["in_use"] <= connections["open"] <= stats["descriptors"]["used"]
    )


def recounted(client: Client) -> dict[str, int]:
    """The connections counted one by one: what the running counts must come to."""
    pool = client._pool
    idle = sum(1 for lane in pool._lanes.values() for _ in lane)
    live = sum(connection.ended is None for connection in pool._connections)
    return {"open": len(pool._connections), "idle": idle, "in_use": live - idle}


def at_rest(client: Client, *, idle: int) -> bool:
    """Nothing is under way or waiting, and so many connections are idle."""
    stats = client.stats()
    still = stats["connections"] == {"open": idle, "idle": idle, "in_use": 0}
    return balanced(client) and still and stats["queue"] == 0 and stats["descriptors"]["used"] == idle
