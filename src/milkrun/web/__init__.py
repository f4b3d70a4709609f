"""Pages, JSON interface, live stream and metrics: everything a browser or a scraper sees."""
