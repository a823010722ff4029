"""Foreign clients: zeep over SOAP and curl over forms, against any server that speaks the documented wire."""
