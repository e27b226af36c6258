import traceback
try:
  import nosuchmod
except ImportError:
  traceback.print_exc()
raise ValueError("real")
