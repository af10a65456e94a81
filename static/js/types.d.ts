// The shapes of what the server sends and of what modules hand to each other. Every module sees them without an import:
// an import in a comment would be rewritten when static files get their digests.

// What gettext's catalogue puts on the page before any module is loaded.
declare function gettext(text: string): string;
declare function ngettext(one: string, many: string, count: number): string;
declare function interpolate(text: string, values: Record<string, string | number>, named: true): string;

// Safari before 14.1 has it under this name only.
declare var webkitAudioContext: typeof AudioContext | undefined;

// Classes of our own modules

type ApiError = import("./core/api.js").ApiError;
type Socket<Message> = import("./core/socket.js").Socket<Message>;
type Store = import("./register/store.js").Store;
type Queue = import("./register/queue.js").Queue;
type Actions = import("./register/actions.js").Actions;
type CameraError = import("./live/camera-errors.js").CameraError;
type Encoder = import("./live/encoder.js").Encoder;
type Stage = import("./live/stage.js").Stage;

// People, sessions and marks

type Status = "present" | "late" | "absent" | "excused" | "not_expected";
type Category = "present" | "late" | "authorised_absence" | "unauthorised_absence" | "not_expected";
type OnPremises = "yes" | "no" | "unknown";
type SessionState = "planned" | "open" | "signed" | "cancelled";

interface Named {
  id: string;
  name: string;
}

interface Session {
  id: string;
  class: Named;
  title: string;
  state: SessionState;
  /** Whether it was ever signed: then each change needs a reason. */
  was_signed: boolean;
  date: string;
  starts_at: string;
  ends_at: string;
}

/** The current mark of a student; `code` null means that it was removed. */
interface Mark {
  mark: string;
  code: string | null;
  status: Status | null;
  category: Category | null;
  on_premises: OnPremises | null;
  at: string;
  source: string;
  by: string | null;
  note: string;
  revision: number;
  minutes_late: number | null;
  evidence: boolean;
}

/** A mark that this page has made and the server has not confirmed. */
interface PendingMark {
  code: string | null;
  status: Status | null;
  nonce: string;
  note?: string;
}

/** What the register shows for a student: the server's mark, or a pending one laid over it. */
interface ShownMark extends Partial<Mark> {
  code: string | null;
  status: Status | null;
  waiting?: boolean;
}

type ByHand = "left" | "no_consent" | "no_photograph" | "photograph_again";

interface Student extends Named {
  /** The school's own number. */
  number: string | null;
  portrait: string | null;
  recognisable: boolean;
  by_hand: ByHand | null;
  left_on: string | null;
  photographs: number;
  mark: Mark | null;
}

interface AttendanceCode {
  letter: string;
  name: string;
  status: Status;
  category: Category;
  on_premises: OnPremises;
  for_teachers: boolean;
}

/** The letters of the marks that take one tap; null where the school chose none. */
type ChosenCodes = Record<"present" | "late" | "not_seen", string | null>;

interface Attempt {
  student: Named;
  source: string;
  reason: string;
  count: number;
  last_at: string;
}

type Counts = Record<Status | "expected" | "unmarked", number>;

interface Rights {
  mayMark: boolean;
  mayRun: boolean;
  mayFaces: boolean;
  /** Whether codes that teachers may not use are offered. */
  isOffice: boolean;
}

// Messages of the sockets

/** The whole register: the first message of its socket, and the answer to GET /sessions/…/register/. */
interface RegisterMessage {
  type: "register";
  version: number;
  session: Session;
  codes: AttendanceCode[];
  chosen_codes: ChosenCodes;
  /** How many faces wait for a decision. */
  reviews: number;
  students: Student[];
  attempts: Attempt[];
}

/** `version` and `evidence` are missing where this page makes the message out of the API's answer. */
interface MarkMessage extends Omit<Mark, "evidence"> {
  type: "mark" | "unmark";
  student: { id: string; name?: string };
  version?: number;
  evidence?: boolean;
}

interface SessionMessage {
  type: "session";
  session: Session;
  version: number;
}

interface ReviewsMessage {
  type: "reviews";
  waiting: number;
  version: number;
}

/** What changes the register. */
type RegisterEvent = RegisterMessage | MarkMessage | SessionMessage | ReviewsMessage;

interface Advice {
  fps: number;
  side: number;
  quality: number;
}

type FaceState =
  | "recognised"
  | "confirming"
  | "uncertain"
  | "unknown"
  | "unavailable"
  | "visitor"
  | "too_far";

/** Left, top, right, bottom in pixels. */
type Box = [number, number, number, number];

interface Size {
  width: number;
  height: number;
}

/** A student of another class whom an unknown face may be. */
interface Visitor {
  name: string;
  classes: string[];
}

interface RecognisedFace {
  box: Box;
  track: number;
  state: FaceState;
  student: Named | null;
  distance: number | null;
  confidence: number | null;
  visitor?: Visitor;
}

interface ResultMessage {
  type: "result";
  seq: number;
  faces: RecognisedFace[];
  dropped: number;
  ms?: Record<string, number>;
}

/** A result with what this page measured: the size of the frame that was sent, and milliseconds until the answer. */
interface FrameResult extends ResultMessage {
  frame: Size | undefined;
  round: number | undefined;
}

interface ErrorMessage {
  type: "error";
  code: string;
  seq?: number | null;
  message: string;
}

interface ReadyMessage {
  type: "ready";
  advice: Advice;
}

interface AdviceMessage {
  type: "advice";
  advice: Advice;
}

type CameraMessage =
  | ReadyMessage
  | AdviceMessage
  | ResultMessage
  | ErrorMessage
  | MarkMessage
  | SessionMessage
  | ReviewsMessage;

/** Why a socket is closed; `final` where it does not try again by itself. */
interface Closed {
  code?: number;
  final: boolean;
}

interface SocketEvents<Message> extends Record<string, unknown> {
  open: undefined;
  message: Message;
  closed: Closed;
}

interface FrameEvents extends Record<string, unknown> {
  ready: ReadyMessage;
  advice: AdviceMessage;
  result: FrameResult;
  error: ErrorMessage;
  mark: MarkMessage;
  unmark: MarkMessage;
  session: SessionMessage;
  reviews: ReviewsMessage;
  closed: Closed;
}

// The register's page

type Change =
  | { what: "all" }
  | { what: "session" }
  | { what: "reviews"; waiting: number }
  | { what: "mark"; student: Student; before: Mark | null; mark: Mark }
  | { what: "pending"; studentId: string }
  | { what: "error"; error: ApiError };

/** A mark made by hand, as it waits to be sent; `after` names the entry that must be written before it. */
interface QueueEntry {
  student: string;
  code: string | null;
  note?: string | undefined;
  reason: string;
  nonce: string;
  seen_at: string;
  revision: number;
  after: string | null;
}

/** An entry of the queue as IndexedDB holds it. */
interface SealedEntry {
  nonce: string;
  scope: string;
  at: number;
  iv: Uint8Array<ArrayBuffer>;
  sealed: ArrayBuffer;
}

// Answers of the REST API

interface Page<Row> {
  results: Row[];
}

interface MarkResult {
  outcome: "created" | "changed" | "unchanged" | "refused";
  reason: string;
  mark: Mark | null;
  version: number;
}

interface Evidence {
  id: string;
  distance: number | null;
  margin: number | null;
  looks: number | null;
  photographs: number | null;
  camera: string;
  space: string;
  expires_at: string | null;
  image: string | null;
}

interface MarkEvent {
  to_code: string | null;
  actor: string | null;
  source: string;
  reason: string;
  seen_at: string;
  stored_at: string;
  late_upload: boolean;
  evidence: Evidence | null;
}

interface ReviewCandidate {
  student: Named;
  distance: number | null;
  portrait: string;
}

interface Review {
  id: string;
  image: string;
  candidates: ReviewCandidate[];
}

interface PairingCode {
  svg: string;
  code: string;
  expires_at: string;
}

/** What a projector, a kiosk or a second camera may know of the session. */
interface Board {
  version: number;
  session: Session;
  here: (Named & { at: string })[];
  expected: number;
  to_come: number;
}

/** A face of a still image, as /identify/ measures it. */
interface MeasuredFace {
  box: Box;
  eye_distance?: number;
  light?: number;
  sharpness?: number;
}

interface GroupFace extends MeasuredFace {
  picture: number;
  state: FaceState;
  student: Named | null;
  distance: number | null;
}

interface GroupResult {
  token: string;
  found: GroupFace[];
  unknown: number;
}

/** Limits of a room's light (0 to 1), sharpness, and pixels between the eyes. */
interface RoomLimits {
  dark: number;
  bright: number;
  sharp: number;
  eyes: number;
}

// Elements

type Listeners = { [Name in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Name]) => void };

type ElementOptions<Tag extends keyof HTMLElementTagNameMap> = Partial<
  Omit<HTMLElementTagNameMap[Tag], "data" | "aria" | "on">
> & { data?: Record<string, string>; aria?: Record<string, string>; on?: Listeners };
