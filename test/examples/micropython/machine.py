"""Pins and converter, in place of the board's."""


class Pin:
    def __init__(self, number):
        self.number = number


class ADC:
    def __init__(self, pin):
        # The converter Wi-Fi leaves alone.
        assert 32 <= pin.number <= 39
        self.value = 30000

    def read_u16(self):
        self.value += 1
        return self.value
