"""How the service is doing, for those who run it: measurements, and traces where they are wanted.

declared.py   every metric by name, with what it says
metrics.py    the metrics of one process, and the text that is scraped
readings.py   what is read when somebody scrapes
spans.py      traces, sent by OpenTelemetry: imported only where they are configured
"""
