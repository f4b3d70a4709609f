"""From a change of state to a message that arrives: routes, the outbox's workers, channels."""
