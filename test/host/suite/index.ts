import './activation.test.ts';
import './guards.test.ts';
import './project-file.test.ts';
import './transfer.test.ts';
