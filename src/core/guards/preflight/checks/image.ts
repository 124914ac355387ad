import type { Check } from '../check.ts';
import { isPlausibleOfficialTag } from '../image.ts';

export const image: Check = {
  id: 'image',
  title: 'Image',
  run: (facts, say) => {
    if (!facts.rentsPod) {
      return;
    }
    const reference = facts.project.target.image;
    const at = facts.place('target', 'image');
    const { image } = facts;
    if (image === undefined) {
      say.error('image-name', {
        what: `"${reference}" is not the name of an image.`,
        why: 'A pod with it would wait for an image that cannot be pulled, and be billed.',
        next: 'Write it as name:tag, in lower case, such as runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404.',
        at,
      });
      return;
    }
    if (!image.digest && (image.tag === undefined || image.tag === 'latest')) {
      say.warning('image-latest', {
        what: `The image ${reference} has no fixed version.`,
        why: '"latest" is another image tomorrow, and hosts that pulled it earlier keep the old one.',
        next: 'Name the tag that the project was tried with.',
        at,
      });
    } else if (image.official !== undefined && !image.digest && !isPlausibleOfficialTag(image)) {
      say.warning('image-tag', {
        what: `"${image.tag ?? ''}" does not look like a tag of ${image.repository}.`,
        why: 'A tag that does not exist is only noticed while the pod waits for it.',
        next: 'Compare it with the tags at https://hub.docker.com/r/' + image.repository + '/tags.',
        at,
        fix: {
          title: 'Show the tags',
          command: 'open-url',
          args: { url: `https://hub.docker.com/r/${image.repository}/tags` },
        },
      });
    }
    if (image.official === undefined) {
      say.info('image-unknown', {
        what: `What ${image.repository} holds is not known here.`,
        why: 'Its start command must start sshd when PUBLIC_KEY is set; otherwise the pod never becomes ready and is ended after "target.readyMinutes".',
        next: 'Build it on an official image without replacing its start command.',
        at,
      });
    }
  },
};
