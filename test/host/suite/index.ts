import './activation.test.ts';
import './project-file.test.ts';
// From here on somebody is signed in.
import './guards.test.ts';
import './transfer.test.ts';
