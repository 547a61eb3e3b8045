import { SAMPLE_PASSWORD } from "../runtime/greeting.ts";

/** People of the demo, in the order in which they are made. The first four are all friends of alice. */
export const PEOPLE = [
  { username: "alice", nickname: "Alice", signature: "Up early, out late.", region: "Zürich" },
  { username: "bob", nickname: "Bob", signature: "Maps, mostly.", region: "Zürich" },
  { username: "carol", nickname: "Carol 卡罗尔", signature: "茶比咖啡好。", region: "Shenzhen" },
  { username: "dave", nickname: "Dave", signature: "", region: "" },
  { username: "mei", nickname: "小美", signature: "周末在山上", region: "杭州" },
  { username: "liwei", nickname: "李伟", signature: "", region: "杭州" },
] as const;

export type Person = (typeof PEOPLE)[number]["username"];

export const PASSWORD = SAMPLE_PASSWORD;

/** Who is a friend of whom; the first one asks. */
export const FRIENDSHIPS: readonly (readonly [Person, Person])[] = [
  ["alice", "bob"],
  ["alice", "carol"],
  ["alice", "dave"],
  ["alice", "mei"],
  ["bob", "carol"],
  ["mei", "liwei"],
];

export const GROUP = {
  name: "Weekend hike 周末徒步",
  owner: "alice",
  members: ["bob", "carol", "dave", "mei"],
} as const satisfies {
  name: string;
  owner: Person;
  members: readonly Person[];
};

export interface Line {
  /** Its clientMsgId: a second run finds the message there already. */
  readonly id: string;
  readonly from: Person;
  readonly text: string;
  readonly reactions?: readonly { by: Person; emoji: string }[];
  readonly recalled?: true;
  readonly type?: "markdown";
  /** The id of the line that it answers. */
  readonly replyTo?: string;
  readonly mentions?: readonly Person[];
}

/** What is said in direct conversations. */
export const DIRECT: readonly { between: readonly [Person, Person]; lines: readonly Line[] }[] = [
  {
    between: ["alice", "bob"],
    lines: [
      { id: "demo-ab-1", from: "alice", text: "Hi Bob, did you find the map?" },
      { id: "demo-ab-2", from: "bob", text: "Yes. North ridge up, river path down.", reactions: [{ by: "alice", emoji: "👍" }] },
      { id: "demo-ab-3", from: "bob", text: "My door code is 4711", recalled: true },
      { id: "demo-ab-4", from: "bob", text: "Sorry, wrong window." },
      {
        id: "demo-ab-5",
        from: "bob",
        type: "markdown",
        text: 'The track, if you like to see it first:\n\n```json\n{ "start": "station", "climb": 740, "hours": 5.5 }\n```\n\n- **up** by the north ridge\n- **down** along the river, see [the map](https://www.openstreetmap.org)',
      },
      { id: "demo-ab-6", from: "alice", replyTo: "demo-ab-5", text: "5.5 hours with lunch?" },
      { id: "demo-ab-7", from: "bob", text: "With lunch. And with Dave's photographs." },
    ],
  },
  {
    between: ["alice", "carol"],
    lines: [
      { id: "demo-ac-1", from: "carol", text: "Shall I bring the big thermos? 🍵" },
      { id: "demo-ac-2", from: "alice", text: "Please do!" },
    ],
  },
  {
    between: ["alice", "dave"],
    lines: [{ id: "demo-ad-1", from: "dave", text: "Is the camera too heavy for 740 metres?" }],
  },
  {
    between: ["mei", "liwei"],
    lines: [
      { id: "demo-ml-1", from: "mei", text: "周六去爬山，你来吗？" },
      { id: "demo-ml-2", from: "liwei", text: "来！几点出发？", reactions: [{ by: "mei", emoji: "🎉" }] },
      { id: "demo-ml-3", from: "mei", text: "早上七点，地铁站见。" },
    ],
  },
];

/** What is said in the group. */
export const GROUP_LINES: readonly Line[] = [
  { id: "demo-g-1", from: "alice", text: "Saturday, 7:00 at the station. Who is in?" },
  {
    id: "demo-g-2",
    from: "carol",
    text: "我来！I bring tea.",
    reactions: [
      { by: "alice", emoji: "❤️" },
      { by: "mei", emoji: "👍" },
    ],
  },
  { id: "demo-g-3", from: "dave", text: "In, if the weather holds." },
  { id: "demo-g-4", from: "mei", text: "天气预报说是晴天。" },
  { id: "demo-g-5", from: "bob", replyTo: "demo-g-3", text: "Sun it is, she says. I have looked up the trains." },
  { id: "demo-g-6", from: "carol", mentions: ["alice"], text: "@Alice shall we be six? Li Wei would like to come." },
];

/** Who waits for an answer of whom. */
export const REQUESTS: readonly (readonly [Person, Person, string])[] = [
  ["liwei", "alice", "你好，我是小美的朋友，可以一起去爬山吗？"],
];
