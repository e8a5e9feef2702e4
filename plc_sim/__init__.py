"""The plant seen through Modbus: physics, instruments, PLCs."""
