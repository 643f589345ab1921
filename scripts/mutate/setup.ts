// Before every test file: property tests draw the same values each time, so that a mutant is killed today and tomorrow.

import fastCheck from 'fast-check'

fastCheck.configureGlobal({ ...fastCheck.readConfigureGlobal(), seed: 20_250_101 })
