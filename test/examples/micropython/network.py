"""A Wi-Fi that is there, in place of the board's."""

STA_IF = 0


class WLAN:
    def __init__(self, interface):
        assert interface == STA_IF

    def active(self, on):
        pass

    def connect(self, ssid, password):
        pass
