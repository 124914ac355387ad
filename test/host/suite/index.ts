import './activation.test.ts';
import './project-file.test.ts';
import './transfer.test.ts';
