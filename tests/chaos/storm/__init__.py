"""The chaos storm: everything is killed, frozen, cut and made faulty while clients order pictures.

plan      what will happen, from a seed
stage     the processes, and the supervisor that starts them again
nature    does what the plan says: kills, freezes, cuts, faults
watching  how the render servers are, seen from outside
clients   order like an SDK, listen, fetch
evidence  what is found afterwards: recordings, files, our API
oracle    compares all of it
report    the figures, as text and JSON
"""
