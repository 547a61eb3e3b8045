import type { OwnUser, Params } from "@moleculer-im/client";

/** A profile as fields of text. */
export interface ProfileForm {
  nickname: string;
  avatar: string;
  signature: string;
  gender: OwnUser["gender"];
  region: string;
  phone: string;
  email: string;
}

export const PROFILE_FIELDS = ["nickname", "avatar", "signature", "gender", "region", "phone", "email"] as const;

export const formOf = ({ nickname, avatar, signature, gender, region, phone, email }: OwnUser): ProfileForm => ({
  nickname,
  avatar,
  signature,
  gender,
  region,
  phone: phone ?? "",
  email: email ?? "",
});

/** What differs from the profile, as the server takes it: no phone number is null. */
export function changesOf(form: ProfileForm, me: OwnUser): Params<"user.updateProfile"> {
  const before = formOf(me);
  const trimmed: ProfileForm = {
    ...form,
    nickname: form.nickname.trim(),
    avatar: form.avatar.trim(),
    region: form.region.trim(),
    phone: form.phone.replace(/[\s()-]/g, ""),
    email: form.email.trim(),
  };
  const changed = PROFILE_FIELDS.filter((field) => trimmed[field] !== before[field]);
  const isContact = (field: string): boolean => field === "phone" || field === "email";
  return Object.fromEntries(changed.map((field) => [field, isContact(field) && trimmed[field] === "" ? null : trimmed[field]]));
}
