"""The client against servers that others wrote: one table of behaviours, servers and transports."""
