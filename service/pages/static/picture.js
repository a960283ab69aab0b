/* A model of pictures: dropped, chosen, pasted or taken; scaled down where it is large. */

const LONGEST_PIXELS = 2048;
const JPEG_QUALITY = 0.92;

export async function picture({ model, example, ask, tell }) {
  const mediaType = typeFor(example.headers.get("Content-Type"));
  let question = { body: await example.blob(), mediaType, isExample: true };
  let latest = 0;

  /* Ask for the first of *files*, unless another is taken before it has been decoded. */
  async function take(files, isMade) {
    const turn = (latest += 1);
    if (files.length === 0) {
      tell("That is no file; drop, paste or choose a picture.");
      return;
    }
    const made = await questionOf(files[0], model.limits, isMade);
    if (turn !== latest) {
      return;
    }
    const others = files.length > 1 ? `; of ${files.length} files it is the first` : "";
    question = { ...made, told: made.told + others };
    show(question);
    await ask(question);
  }

  document.querySelector("#form").addEventListener("submit", () => ask(question));
  for (const input of document.querySelectorAll('input[type="file"]')) {
    input.addEventListener("change", async () => {
      const files = [...input.files];
      input.value = ""; // so that the same may be chosen again
      if (files.length > 0) {
        await take(files, false);
      }
    });
  }
  takePasted(take);
  takeDropped(take);
  return question;
}

/* What was pasted is a file nowhere. */
function takePasted(take) {
  document.addEventListener("paste", (event) => {
    event.preventDefault();
    take([...event.clipboardData.files], true);
  });
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
    take([...event.dataTransfer.files], false);
  });
}

/* What no browser names (HEIC, often) is a picture all the same: the service looks at the bytes. */
function typeFor(mediaType) {
  return mediaType?.startsWith("image/") ? mediaType : "image/*";
}

async function questionOf(file, limits, isMade) {
  const asItIs = { body: file, mediaType: typeFor(file.type), file: file.name, isMade, told: `${file.name}, as it is` };
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return { ...asItIs, told: `${file.name}, which this browser cannot show; it is sent as it is` };
  }
  const { width, height } = bitmap;
  const fits = Math.max(width, height) <= LONGEST_PIXELS && file.size <= limits.body_bytes;
  const made = fits ? null : await scaled(bitmap, limits.body_bytes);
  bitmap.close();
  if (!made) {
    return asItIs;
  }
  const told = made.width === width
    ? `${file.name}: written anew as JPEG in the browser, for its ${file.size} bytes are more than are taken`
    : `${file.name}: scaled down in the browser from ${width} × ${height} to ${made.width} × ${made.height} before it is sent`;
  const name = `${file.name.replace(/\.[^.]*$/, "")}-${made.width}x${made.height}.jpg`;
  return { body: made.body, mediaType: "image/jpeg", file: name, told, isMade: true };
}

/* As a JPEG of the longest side that is sent; of half of it, until it is within the limit. */
async function scaled(bitmap, limitBytes) {
  const longest = Math.max(bitmap.width, bitmap.height);
  for (let side = Math.min(LONGEST_PIXELS, longest); ; side /= 2) {
    const width = Math.max(1, Math.round((bitmap.width * side) / longest));
    const height = Math.max(1, Math.round((bitmap.height * side) / longest));
    const body = await drawn(bitmap, width, height);
    if (body.size <= limitBytes || side < 2) {
      return { body, width, height };
    }
  }
}

function drawn(bitmap, width, height) {
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
