# expect: T002 4:1
"""An action of a package that is not installed."""

import no_such_package_anywhere

LOOK = no_such_package_anywhere.look
