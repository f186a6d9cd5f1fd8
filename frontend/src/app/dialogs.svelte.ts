export type DialogKind =
  | { readonly kind: "new-group"; readonly name?: string }
  | { readonly kind: "add-people"; readonly channelId: string }
  | { readonly kind: "leave-group"; readonly channelId: string }
  | { readonly kind: "switcher" }
  | { readonly kind: "settings" }
  | { readonly kind: "sign-out" }
  | { readonly kind: "shortcuts" };

/** Which dialog is open. One at a time. */
class Dialogs {
  open: DialogKind | null = $state.raw(null);

  show(dialog: DialogKind): void {
    this.open = dialog;
  }

  close(): void {
    this.open = null;
  }
}

export const dialogs = new Dialogs();
