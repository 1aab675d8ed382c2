"""A ComfyUI to practise on: its HTTP and websocket surface, painting without a GPU.

Imports nothing of Safelight's. `main.run` is the blocking entry, `main.start` the embeddable one.
"""
