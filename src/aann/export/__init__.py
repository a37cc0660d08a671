"""Networks as files that others run: packed to few bytes, as C, as ONNX, and as a page."""
