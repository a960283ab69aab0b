"""Everything about models. Knows no Flask, no Prometheus, no gevent."""
