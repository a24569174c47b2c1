'use strict';

// The helper that swc 1.16.18 writes for `using` names this class wrongly: without the name, a failure in a block and
// another at its end would hide each other, and what is left to end would not be. disposable.spec.ts shows it.
globalThis._SuppressedError = SuppressedError;
