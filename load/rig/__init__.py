"""The server under measurement: started, read, stopped."""
