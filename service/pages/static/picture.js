/* A model of pictures: dropped, chosen, pasted or taken; scaled down where it is large. */

const LONGEST_PIXELS = 2048;
const JPEG_QUALITY = 0.92;

export async function picture({ model, exampleUrl, ask }) {
  const example = await fetch(exampleUrl);
  const mediaType = sent(example.headers.get("Content-Type"));
  let question = { body: await example.blob(), mediaType, isExample: true };

  async function take(file) {
    question = await questionOf(file, model.limits);
    show(question);
    await ask(question);
  }

  document.querySelector("#form").addEventListener("submit", (event) => {
    event.preventDefault();
    ask(question);
  });
  for (const input of document.querySelectorAll('input[type="file"]')) {
    input.addEventListener("change", () => input.files.length > 0 && take(input.files[0]));
  }
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file) {
      event.preventDefault();
      take(file);
    }
  });
  takeDropped(take);
  return question;
}

function takeDropped(take) {
  const place = document.querySelector("#drop");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  document.addEventListener("dragleave", () => place.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) {
      take(file);
    }
  });
}

/* What no browser names (HEIC, often) is a picture all the same: the service looks at the bytes. */
function sent(mediaType) {
  return mediaType?.startsWith("image/") ? mediaType : "image/*";
}

async function questionOf(file, limits) {
  const asItIs = { body: file, mediaType: sent(file.type), file: file.name, told: `${file.name}, as it is` };
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return { ...asItIs, told: `${file.name}, which this browser cannot show; it is sent as it is` };
  }
  const longest = Math.max(bitmap.width, bitmap.height);
  const scale = Math.min(1, LONGEST_PIXELS / longest);
  if (scale === 1 && file.size <= limits.body_bytes) {
    return asItIs;
  }
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const body = await scaled(bitmap, width, height);
  const name = `${file.name.replace(/\.[^.]*$/, "")}-${width}x${height}.jpg`;
  const told = `${file.name}: scaled down in the browser from ${bitmap.width} × ${bitmap.height} ` +
    `to ${width} × ${height} before it is sent`;
  return { body, mediaType: "image/jpeg", file: name, told, isMade: true };
}

function scaled(bitmap, width, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.fillStyle = "white"; // what shines through, as the service has it
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
}

function show(question) {
  const preview = document.querySelector("#preview");
  if (preview.src.startsWith("blob:")) {
    URL.revokeObjectURL(preview.src);
  }
  preview.src = URL.createObjectURL(question.body);
  document.querySelector("#caption").textContent = question.told;
}
