"""What programs send and are sent, as the OpenAPI document describes it; fields may be added, never taken away."""
