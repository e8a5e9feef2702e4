"""What people see: OPC UA, history, reports."""
