/** Kind of the job panel's tabs; VS Code finds by it who fills a tab again after a reload. */
export const viewType = 'runpodTrainer.jobPanel';
