import { BufferAttribute, BufferGeometry, Color, LinearSRGBColorSpace, Matrix4, MOUSE, OrthographicCamera, Points, PointsMaterial, Scene, TOUCH, Vector3, WebGLRenderer } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { type Cloud, pointAt } from "./cloud";
import type { Point, Size } from "./view";

const GROUND = 0x23282d;
/** From so far the part is seen first: tilted, with the picture's lower edge in front. */
const FIRST_TILT_RAD = 0.65;
const LEAST_TILT_RAD = 0.001; // looking straight down, "up" must still be known
const MOST_TILT_RAD = Math.PI - 0.001;
const MAX_ZOOM = 60;
const MARGIN = 1.1;
/** Points this near to a touch are candidates, pixels; of these the ones in front count, and of those the nearest. */
const REACH_PX = 8;
const SAME_DEPTH_SPACINGS = 6;

export function hasWebGl(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}

/** A cloud on a canvas, seen from where one likes. It is drawn when something changes, never for nothing. */
export class CloudScene {
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new OrthographicCamera();
  private readonly controls: OrbitControls;
  private readonly geometry = new BufferGeometry();
  private readonly material = new PointsMaterial({ vertexColors: true, sizeAttenuation: false });
  private readonly middle: Vector3;
  private readonly box: Vector3;
  private readonly extent: number;
  private size: Size = { width: 1, height: 1 };

  /**
   * @param spacingMm distance between neighbouring points.
   * @param onDraw is told after each drawing, for whatever lies over the canvas.
   */
  constructor(
    canvas: HTMLCanvasElement,
    private readonly cloud: Cloud,
    private readonly spacingMm: number,
    private readonly onDraw: () => void,
  ) {
    this.renderer = new WebGLRenderer({ canvas });
    // The colours are those of the screen already.
    this.renderer.outputColorSpace = LinearSRGBColorSpace;
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    this.scene.background = new Color().setHex(GROUND, LinearSRGBColorSpace);
    this.geometry.setAttribute("position", new BufferAttribute(cloud.xyz, 3));
    this.geometry.computeBoundingBox();
    const box = this.geometry.boundingBox!;
    this.middle = box.getCenter(new Vector3());
    this.box = box.getSize(new Vector3());
    this.extent = Math.max(1e-3, this.box.length());
    const points = new Points(this.geometry, this.material);
    points.frustumCulled = false;
    this.scene.add(points);

    this.camera.up.set(0, 0, 1);
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enableDamping = false;
    this.controls.screenSpacePanning = true;
    this.controls.minPolarAngle = LEAST_TILT_RAD;
    this.controls.maxPolarAngle = MOST_TILT_RAD;
    this.controls.minZoom = 0.5;
    this.controls.maxZoom = MAX_ZOOM;
    this.controls.mouseButtons = { LEFT: MOUSE.ROTATE, MIDDLE: MOUSE.DOLLY, RIGHT: MOUSE.PAN };
    this.controls.touches = { ONE: TOUCH.ROTATE, TWO: TOUCH.DOLLY_PAN };
    this.controls.addEventListener("change", this.draw);
  }

  setColours(colours: Uint8Array): void {
    this.geometry.setAttribute("color", new BufferAttribute(colours, 3, true));
    this.draw();
  }

  resize(size: Size): void {
    this.size = size;
    this.renderer.setSize(size.width, size.height, false);
    // The whole part fits however it is turned about its height.
    const half = (this.extent / 2) * MARGIN;
    const aspect = size.width / size.height;
    const [x, y] = aspect > 1 ? [half * aspect, half] : [half, half / aspect];
    [this.camera.left, this.camera.right, this.camera.top, this.camera.bottom] = [-x, x, y, -y];
    [this.camera.near, this.camera.far] = [0.01, this.extent * 12];
    this.camera.updateProjectionMatrix();
    this.draw();
  }

  reset(): void {
    this.controls.target.copy(this.middle);
    // As it lies, the part fills the canvas.
    const across = (this.camera.right - this.camera.left) / (MARGIN * this.box.x);
    const down = (this.camera.top - this.camera.bottom) / (MARGIN * (this.box.y + this.box.z));
    this.camera.zoom = Math.max(1, Math.min(across, down));
    this.camera.updateProjectionMatrix();
    this.look(0, FIRST_TILT_RAD);
  }

  /** Turns about the height, and tilts. */
  turn(aroundRad: number, tiltRad: number): void {
    this.look(this.controls.getAzimuthalAngle() + aroundRad, this.controls.getPolarAngle() + tiltRad);
  }

  zoomBy(factor: number): void {
    this.camera.zoom = Math.min(MAX_ZOOM, Math.max(this.controls.minZoom, this.camera.zoom * factor));
    this.camera.updateProjectionMatrix();
    this.controls.update();
    this.draw();
  }

  /** Moves the part by pixels of the screen. */
  move(by: Point): void {
    const mm = (this.camera.top - this.camera.bottom) / this.camera.zoom / this.size.height;
    const right = new Vector3().setFromMatrixColumn(this.camera.matrix, 0).multiplyScalar(-by.x * mm);
    const up = new Vector3().setFromMatrixColumn(this.camera.matrix, 1).multiplyScalar(by.y * mm);
    this.shift(right.add(up));
  }

  /** Brings a point to the middle. */
  centreOn(index: number): void {
    this.shift(this.vectorOf(index).sub(this.controls.target));
  }

  /** The point that is seen at a place of the canvas; -1 where there is none. */
  pick(at: Point): number {
    const { width, height } = this.size;
    const m = this.matrix().elements;
    const depthUnit = 2 / (this.camera.far - this.camera.near);
    const near: { index: number; square: number; depth: number }[] = [];
    const { xyz, count } = this.cloud;
    for (let index = 0; index < count; index++) {
      const [x, y, z] = [xyz[3 * index]!, xyz[3 * index + 1]!, xyz[3 * index + 2]!];
      const dx = ((m[0]! * x + m[4]! * y + m[8]! * z + m[12]!) / 2 + 0.5) * width - at.x;
      if (dx > REACH_PX || dx < -REACH_PX) continue;
      const dy = (0.5 - (m[1]! * x + m[5]! * y + m[9]! * z + m[13]!) / 2) * height - at.y;
      const square = dx * dx + dy * dy;
      if (square > REACH_PX * REACH_PX) continue;
      near.push({ index, square, depth: m[2]! * x + m[6]! * y + m[10]! * z + m[14]! });
    }
    const front = near.reduce((least, candidate) => Math.min(least, candidate.depth), Infinity) + SAME_DEPTH_SPACINGS * this.spacingMm * depthUnit;
    let [best, bestSquare] = [-1, Infinity];
    for (const { index, square, depth } of near) {
      if (depth <= front && square < bestSquare) [best, bestSquare] = [index, square];
    }
    return best;
  }

  /** Where a point is seen on the canvas. */
  seenAt(index: number): Point {
    const seen = this.vectorOf(index).applyMatrix4(this.matrix());
    return { x: (seen.x / 2 + 0.5) * this.size.width, y: (0.5 - seen.y / 2) * this.size.height };
  }

  dispose(): void {
    this.controls.dispose();
    this.geometry.dispose();
    this.material.dispose();
    this.renderer.dispose();
  }

  private readonly draw = (): void => {
    if (!this.geometry.hasAttribute("color")) return;
    const pxPerMm = (this.size.height * this.camera.zoom) / (this.camera.top - this.camera.bottom);
    // Points just cover what lies between them.
    this.material.size = Math.max(1.5, 1.4 * this.spacingMm * pxPerMm);
    this.renderer.render(this.scene, this.camera);
    this.onDraw();
  };

  private look(around: number, tilt: number): void {
    const polar = Math.min(MOST_TILT_RAD, Math.max(LEAST_TILT_RAD, tilt));
    const distance = this.extent * 4;
    // OrbitControls measures angles with y up and turns the whole so that z is; then this is its own way from angles to places.
    const offset = new Vector3(Math.sin(polar) * Math.sin(around), -Math.sin(polar) * Math.cos(around), Math.cos(polar)).multiplyScalar(distance);
    this.camera.position.copy(this.controls.target).add(offset);
    this.controls.update();
    this.draw();
  }

  private shift(by: Vector3): void {
    this.controls.target.add(by);
    this.camera.position.add(by);
    this.controls.update();
    this.draw();
  }

  private matrix(): Matrix4 {
    this.camera.updateMatrixWorld();
    return new Matrix4().multiplyMatrices(this.camera.projectionMatrix, this.camera.matrixWorldInverse);
  }

  private vectorOf(index: number): Vector3 {
    const { x, y, z } = pointAt(this.cloud, index);
    return new Vector3(x, y, z);
  }
}
