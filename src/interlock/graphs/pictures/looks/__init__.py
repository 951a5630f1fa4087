"""What a picture looks like: lettering, sizes, shapes, curves and colours."""
