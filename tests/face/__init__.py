"""httpx2's documented behaviour, asked of it on its own transport and on ours alike; and published packages on ours."""
