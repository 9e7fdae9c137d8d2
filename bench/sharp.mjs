// A picture server the way sharp's users write it: GET /FILE?width=500&height=500&format=jpeg&quality=80
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const [modules, port] = process.argv.slice(2);
const sharp = createRequire(`${modules}/`)('sharp');

createServer(async (request, response) => {
  const { pathname, searchParams: asked } = new URL(request.url, 'http://localhost');
  const [width, height] = ['width', 'height'].map((side) => Number(asked.get(side)) || null);
  const format = asked.get('format');
  try {
    const picture = await sharp(pathname)
      .resize(width, height, { fit: 'cover' })
      .toFormat(format, { quality: Number(asked.get('quality')) })
      .toBuffer();
    response.writeHead(200, { 'Content-Type': `image/${format}` }).end(picture);
  } catch (problem) {
    response.writeHead(500).end(String(problem));
  }
}).listen(Number(port), 'localhost', () => console.log(JSON.stringify(sharp.versions)));
