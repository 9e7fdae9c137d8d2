"""The built-in plug-ins, found through the registry exactly as a stranger's would be."""
