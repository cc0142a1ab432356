"""The wire: grainseal.v1 messages, services and their generated stubs."""
