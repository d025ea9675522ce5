import { send } from './api.js';
import { action, h, percent, say } from './dom.js';
import { nothingYet, picker } from './evaluate.js';

const downloads = [
  ['project.zip', 'A C# project', 'A program with the model inside, as Model Builder makes it: unzip it, and “dotnet run -- photo.jpg”.'],
  ['service.zip', 'A web service', 'A page and an HTTP API around the model, for a server: unzip it, and “dotnet run”.'],
  ['model.zip', 'model.zip', 'For ML.NET: one file, needs no training library.'],
  ['model.onnx', 'ONNX', 'For ONNX Runtime in any language.'],
  ['model-int8.zip', 'model.zip in 8-bit integers', 'A quarter of the size; often a little less accurate.'],
  ['model-int8.onnx', 'ONNX in 8-bit integers', 'The same for ONNX Runtime.'],
  ['model.safetensors', 'Weights', 'As safetensors, with PyTorch’s names.'],
  ['report.html', 'The report', 'All measures, mistakes and curves in one file.'],
];

export async function open(main, studio) {
  if (studio.done.length === 0) {
    main.replaceChildren(nothingYet('Here you will try it on new images, and take it home.'));
    return {};
  }
  let id = studio.done[0].id;
  let camera;
  const results = h('ul', { class: 'results', 'aria-live': 'polite' });
  const files = h('input', {
    id: 'try',
    type: 'file',
    accept: 'image/*',
    multiple: true,
    class: 'unseen',
    onchange: async event => {
      await tryAll([...event.target.files]);
      event.target.value = '';
    },
  });
  const video = h('video', { autoplay: true, playsinline: true, muted: true, hidden: true, 'aria-label': 'Camera' });
  const shoot = action(
    'Take a picture',
    async () => {
      const canvas = h('canvas', {});
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      canvas.getContext('2d').drawImage(video, 0, 0);
      await tryOne(await new Promise(done => canvas.toBlob(done, 'image/png')), 'camera');
    },
    { hidden: true },
  );
  const film = action(
    'Use the camera',
    async button => {
      if (camera) {
        stopCamera();
        button.textContent = 'Use the camera';
        return;
      }
      if (!navigator.mediaDevices) throw new Error('This browser gives no camera to this page.');
      camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }).catch(error => {
        throw new Error(`The camera cannot be used: ${error.message}`);
      });
      video.srcObject = camera;
      video.hidden = shoot.hidden = false;
      button.textContent = 'Stop the camera';
    },
    { class: 'button second' },
  );
  const links = h('ul', { class: 'downloads' });
  const code = h('pre', { tabindex: '0' });
  main.replaceChildren(
    files,
    h(
      'div',
      { class: 'bar' },
      h('h2', {}, 'Put it to work'),
      picker(studio, id, value => {
        id = value;
        list();
      }),
    ),
    h(
      'div',
      { class: 'columns even' },
      h(
        'section',
        { class: 'card try', 'aria-labelledby': 'try-title' },
        h('h3', { id: 'try-title' }, 'Try it'),
        h('p', {}, 'Drop an image anywhere, paste one, or choose some.'),
        h('div', { class: 'row' }, h('label', { class: 'button', for: 'try' }, 'Choose images'), film, shoot),
        video,
        results,
      ),
      h('section', { class: 'card', 'aria-labelledby': 'home-title' }, h('h3', { id: 'home-title' }, 'Take it home'), links),
    ),
    h(
      'section',
      { class: 'card', 'aria-labelledby': 'code-title' },
      h(
        'div',
        { class: 'bar' },
        h('h3', { id: 'code-title' }, 'In C#'),
        action(
          'Copy',
          async () => {
            await navigator.clipboard.writeText(code.textContent);
            say('Copied.');
          },
          { class: 'plain' },
        ),
      ),
      code,
    ),
  );

  function list() {
    links.replaceChildren(
      ...downloads.map(([file, title, words]) =>
        h('li', {}, h('a', { href: `api/runs/${id}/download/${file}`, download: `${file}` }, title), h('span', {}, words)),
      ),
    );
    const names = studio.runs.find(run => run.id === id).classes.join(', ');
    code.textContent = `// dotnet add package Microsoft.ML
// dotnet add package Microsoft.ML.ImageAnalytics
// dotnet add package Microsoft.ML.OnnxTransformer
// dotnet add package Microsoft.ML.OnnxRuntime
using Microsoft.ML;

var ml = new MLContext();
var model = ml.Model.Load("model.zip", out _);
var engine = ml.Model.CreatePredictionEngine<Input, Output>(model);
var output = engine.Predict(new Input { ImagePath = "photo.jpg" });
Console.WriteLine($"{output.PredictedLabelText}: {output.Score.Max():p1}"); // ${names}

class Input { public string ImagePath { get; set; } = ""; public string Label { get; set; } = ""; }
class Output { public string PredictedLabelText { get; set; } = ""; public float[] Score { get; set; } = []; }`;
  }

  async function tryAll(images) {
    for (const file of images.slice(0, 20)) await tryOne(file, file.name);
  }

  async function tryOne(content, name) {
    const address = URL.createObjectURL(content);
    const bars = h('ol', {});
    results.prepend(
      h(
        'li',
        {},
        h('img', { src: address, alt: name, onload: () => URL.revokeObjectURL(address) }),
        h('div', {}, h('p', { class: 'fine' }, name), bars),
      ),
    );
    while (results.children.length > 20) results.lastChild.remove();
    try {
      const answer = await send(`runs/${id}/predict`, content);
      bars.replaceChildren(
        ...answer
          .slice(0, 5)
          .map(each =>
            h(
              'li',
              {},
              h('span', {}, each.label),
              h('span', {}, percent(each.probability)),
              h('i', { style: { width: `${Math.max(1, 100 * each.probability)}%` } }),
            ),
          ),
      );
    } catch (error) {
      bars.replaceChildren(h('li', { class: 'error' }, error.message));
    }
  }

  function stopCamera() {
    camera?.getTracks().forEach(track => track.stop());
    camera = undefined;
    video.hidden = shoot.hidden = true;
  }

  const paste = event => tryAll([...event.clipboardData.files].filter(file => file.type.startsWith('image/')));
  const drop = event => tryAll([...event.dataTransfer.files]);
  document.body.addEventListener('paste', paste);
  document.body.addEventListener('drop', drop);
  list();
  return {
    changed() {},
    close() {
      stopCamera();
      document.body.removeEventListener('paste', paste);
      document.body.removeEventListener('drop', drop);
    },
  };
}
