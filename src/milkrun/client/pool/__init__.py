"""Who gets a connection: limits, what stays warm and for how long, what is learnt of each origin."""
