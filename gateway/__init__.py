"""The gateway at home: reads Bluetooth devices, keeps every record on disk, hands it to the server."""
