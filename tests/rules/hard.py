# SPDX-License-Identifier: BSD-2-Clause
def run(t):
    pass
