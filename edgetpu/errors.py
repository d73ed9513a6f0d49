"""What can go wrong with the chip, its compiler and its files. A class is a kind of reaction; its text is for people.

EdgeTpuError
├── BadModel                 the file is damaged, hostile, or no model: ask for another file
├── BadLog                   the text is not what a compiler printed: ask for the real log
├── BadMeasurements          the table of measurements cannot be used: say which line and why
├── CompilerError
│   ├── CompilerMissing      edgetpu_compiler is not on this machine: say how to install it, or hand the work over
│   ├── CompilerBusy         it failed in a way that is known to pass: try again
│   └── CompileFailed        it refuses this model: fail the trial and say what to change
│       ├── CompileTimeout   it did not end in the time given
│       └── CompilerCrashed  "Internal compiler error": look for the smallest part that fails
├── RunFailed                the model cannot run on this machine's CPU
└── DeviceError
    ├── RuntimeMissing       libedgetpu or LiteRT is not installed
    ├── DeviceMissing        no Edge TPU is attached
    ├── DeviceBusy           another process holds it: try again later
    ├── DeviceForbidden      this user may not open it
    └── DeviceLost           it went away in the middle of a run: plug it in again and repeat
"""

from __future__ import annotations


class EdgeTpuError(Exception):
    """Anything that goes wrong in this package; `str()` of it is a sentence that users can read."""


class BadModel(EdgeTpuError):
    """The file cannot be read as a model."""


class BadLog(EdgeTpuError):
    """The text is not the output of an Edge TPU compiler that we know."""


class BadMeasurements(EdgeTpuError):
    """Measurements that cannot be used to calibrate a device."""


class CompilerError(EdgeTpuError):
    """Compilation did not give a model."""


class CompilerMissing(CompilerError):
    """There is no edgetpu_compiler on this machine."""


class CompilerBusy(CompilerError):
    """The compiler could not be run now; the model is not to blame."""


class CompileFailed(CompilerError):
    """The compiler refuses the model.

    Attributes:
        output: what the compiler printed, for those who want to read it themselves.
    """

    def __init__(self, sentence: str, output: str = "") -> None:
        super().__init__(sentence)
        self.output = output


class CompileTimeout(CompileFailed):
    """The compiler did not finish within the time limit."""


class CompilerCrashed(CompileFailed):
    """The compiler broke down on the model without saying why."""


class RunFailed(EdgeTpuError):
    """The model could not be run on this machine's CPU."""


class DeviceError(EdgeTpuError):
    """The Edge TPU cannot be used."""


class RuntimeMissing(DeviceError):
    """The software that speaks to an Edge TPU is not installed here."""


class DeviceMissing(DeviceError):
    """No Edge TPU is attached to this machine."""


class DeviceBusy(DeviceError):
    """Another process is using the Edge TPU."""


class DeviceForbidden(DeviceError):
    """This user may not open the Edge TPU."""


class DeviceLost(DeviceError):
    """The Edge TPU went away while it was being used."""
