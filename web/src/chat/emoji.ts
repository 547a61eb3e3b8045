/** What is offered for a reaction at once. */
export const QUICK_EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏", "🎉"] as const;

const split = (emoji: string): readonly string[] => emoji.split(" ");

/** About two hundred that are used most, in groups; `name` is a key of the sentences. */
export const EMOJI_GROUPS = [
  {
    name: "faces",
    emoji: split(
      "😀 😃 😄 😁 😆 😅 🤣 😂 🙂 🙃 😉 😊 😇 🥰 😍 🤩 😘 😗 😚 😋 😛 😜 🤪 😝 🤗 🤭 🤫 🤔 🤐 🤨 😐 😑 😶 😏 😒 🙄 😬 😌 😔 😪 😴 😷 🤒 🤕 🤢 🤮 🤧 🥵 🥶 😵 🤯 🥳 😎 🤓 🧐 😕 😟 🙁 😮 😯 😲 😳 🥺 😨 😰 😥 😢 😭 😱 😖 😞 😓 😩 🥱 😤 😡 😠 🤬 😈 💀 💩 🤡 👻 👽 🤖",
    ),
  },
  {
    name: "people",
    emoji: split(
      "👋 🤚 ✋ 🖖 👌 🤏 ✌️ 🤞 🤟 🤘 🤙 👈 👉 👆 👇 ☝️ 👍 👎 ✊ 👊 👏 🙌 👐 🤲 🤝 🙏 💪 👀 🧠 👶 🧒 👦 👧 🧑 👨 👩 🧓 👮 👷 🙋 🙇 🤦 🤷 🏃 💃 🕺",
    ),
  },
  { name: "hearts", emoji: split("❤️ 🧡 💛 💚 💙 💜 🖤 🤍 💔 💕 💞 💓 💗 💖 💘 💝 💯 💢 💥 💫 💦 💤 💬 💭") },
  {
    name: "nature",
    emoji: split(
      "🐶 🐱 🐭 🐰 🦊 🐻 🐼 🐯 🦁 🐮 🐷 🐸 🐵 🐔 🐧 🐦 🦄 🐝 🦋 🐢 🐙 🐳 🌸 🌹 🌻 🌲 🍀 🍁 🌙 ⭐ ☀️ ⛅ 🌧️ ❄️ 🔥 🌈 🌊",
    ),
  },
  {
    name: "food",
    emoji: split("🍎 🍊 🍋 🍌 🍉 🍇 🍓 🍒 🍑 🥑 🌶️ 🍞 🧀 🍔 🍟 🍕 🌮 🍜 🍣 🍦 🎂 🍰 🍫 🍬 ☕ 🍵 🍺 🍻 🥂 🍷"),
  },
  {
    name: "things",
    emoji: split("🎉 🎊 🎁 🏆 🥇 ⚽ 🏀 🎮 🎯 🎵 🎸 📷 💻 📱 ⏰ 💡 📚 ✏️ 📌 📎 🔒 🔑 🔨 💰 ✈️ 🚗 🚀 🏠 ✅ ❌ ❓ ❗ ⚠️ 🔔"),
  },
] as const;
