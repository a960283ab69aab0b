"""The data scientist's tool: `python -m service.models add | check | list`."""
