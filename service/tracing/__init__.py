"""Spans of requests for an OpenTelemetry receiver, where the OTEL_* variables name one."""
