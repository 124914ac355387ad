/** Import names whose package has another name on the package index. */
const distributions: Record<string, string[]> = {
  attr: ['attrs'],
  bs4: ['beautifulsoup4'],
  cv2: ['opencv-python', 'opencv-python-headless', 'opencv-contrib-python'],
  dateutil: ['python-dateutil'],
  dotenv: ['python-dotenv'],
  faiss: ['faiss-cpu', 'faiss-gpu'],
  fitz: ['pymupdf'],
  flash_attn: ['flash-attn'],
  git: ['gitpython'],
  google: ['protobuf', 'google-cloud-storage'],
  grpc: ['grpcio'],
  hydra: ['hydra-core'],
  IPython: ['ipython'],
  jwt: ['pyjwt'],
  OpenSSL: ['pyopenssl'],
  PIL: ['pillow'],
  pkg_resources: ['setuptools'],
  pynvml: ['nvidia-ml-py', 'pynvml'],
  pytorch_lightning: ['pytorch-lightning', 'lightning'],
  serial: ['pyserial'],
  skimage: ['scikit-image'],
  sklearn: ['scikit-learn'],
  soundfile: ['soundfile', 'pysoundfile'],
  umap: ['umap-learn'],
  yaml: ['pyyaml'],
};

/** What well-known packages bring along, by name on the index; only what projects import themselves. */
const brings: Record<string, string[]> = {
  accelerate: ['numpy', 'torch', 'huggingface-hub', 'safetensors', 'pyyaml', 'psutil', 'packaging'],
  datasets: ['numpy', 'pandas', 'pyarrow', 'huggingface-hub', 'fsspec', 'tqdm', 'requests', 'dill', 'pyyaml', 'httpx'],
  ipykernel: ['ipython', 'jupyter-client', 'traitlets', 'psutil', 'packaging'],
  jupyterlab: ['ipykernel', 'ipython', 'nbformat', 'nbclient', 'requests'],
  lightning: ['torch', 'torchmetrics', 'tqdm', 'pyyaml', 'fsspec', 'packaging'],
  librosa: ['numpy', 'scipy', 'scikit-learn', 'numba', 'joblib', 'soundfile'],
  matplotlib: ['numpy', 'pillow', 'python-dateutil', 'packaging'],
  nbclient: ['nbformat', 'jupyter-client', 'traitlets'],
  pandas: ['numpy', 'python-dateutil', 'pytz'],
  peft: ['numpy', 'torch', 'transformers', 'accelerate', 'safetensors', 'huggingface-hub', 'tqdm', 'pyyaml'],
  'scikit-learn': ['numpy', 'scipy', 'joblib', 'threadpoolctl'],
  seaborn: ['numpy', 'pandas', 'matplotlib'],
  'sentence-transformers': ['transformers', 'torch', 'scikit-learn', 'scipy', 'huggingface-hub', 'pillow', 'tqdm'],
  torchvision: ['numpy', 'pillow', 'torch'],
  transformers: ['numpy', 'tokenizers', 'huggingface-hub', 'safetensors', 'pyyaml', 'regex', 'tqdm', 'packaging'],
  trl: ['transformers', 'accelerate', 'datasets', 'torch', 'peft'],
  wandb: ['requests', 'pyyaml', 'gitpython', 'psutil', 'protobuf', 'click'],
};

const everyImage = ['pip', 'setuptools', 'wheel', 'jupyterlab', 'psutil'];

/** Packages of RunPod's official images (github.com/runpod/containers, official-templates). */
const images: Record<'pytorch' | 'base', string[]> = {
  base: everyImage,
  pytorch: [
    ...everyImage,
    ...['torch', 'torchvision', 'torchaudio', 'triton', 'numpy', 'pillow', 'sympy', 'mpmath', 'networkx', 'jinja2'],
    ...['markupsafe', 'fsspec', 'filelock', 'typing-extensions'],
  ],
};

/** The one form of a name on the package index: `Typing_Extensions` → `typing-extensions`. */
export function indexName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** Everything that packages and an image provide, with what they are known to bring along. */
export function provided(requirements: readonly string[], image: 'pytorch' | 'base' | undefined): Set<string> {
  const all = new Set<string>();
  const open = [...requirements.map(indexName), ...(image === undefined ? [] : images[image])];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (!all.has(name)) {
      all.add(name);
      open.push(...(brings[name] ?? []));
    }
  }
  return all;
}

/** Whether an import of this top-level name is among the packages. */
export function provides(packages: ReadonlySet<string>, importName: string): boolean {
  return [indexName(importName), ...(distributions[importName] ?? [])].some((name) => packages.has(name));
}

/** The package to install for an import. */
export function packageFor(importName: string): string {
  return distributions[importName]?.[0] ?? indexName(importName);
}
