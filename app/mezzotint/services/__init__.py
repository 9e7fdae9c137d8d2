"""The verbs: values in, values out."""
