import './activation.test.ts';
import './project-file.test.ts';
// From here on somebody is signed in.
import './findings.test.ts';
import './transfer.test.ts';
