"""The OPC UA server of the plant."""
