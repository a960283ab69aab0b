"""HTTP/1.1 over a socket: what the worker does between Gunicorn's parser and the application."""
