/* HTML that changes while its page stands open. Only what differs is sent, and only what differs is put in its place:
   whatever has the focus, is selected or stands unfolded stays so. */

/* Make the children of `old` those of `next`. An element whose attributes differ is another one, and is replaced. */
const renew = (old, next) => {
  const [were, are] = [[...old.childNodes], [...next.childNodes]];
  if (were.length !== are.length) return old.replaceChildren(...are);
  were.forEach((was, at) => {
    const is = are[at];
    if (was.isEqualNode(is)) return;
    if (was.nodeType === Node.TEXT_NODE && is.nodeType === Node.TEXT_NODE) was.data = is.data;
    else if (was.nodeType === Node.ELEMENT_NODE && alike(was, is)) renew(was, is);
    else was.replaceWith(is);
  });
};
const alike = (was, is) => {
  const shell = was.cloneNode(false);
  if (is.nodeName === "DETAILS") shell.removeAttribute("open");  // unfolded by the reader
  return shell.isEqualNode(is.cloneNode(false));
};

export default {
  template: `<component :is="tag"></component>`,
  props: { innerHTML: String, revision: Number, tag: String },
  data: () => ({ given: null, shown: null, at: 0 }),
  mounted() { this.whole(); },
  updated() { this.whole(); },
  methods: {
    whole() {
      if (this.innerHTML === this.given) return;
      this.given = this.innerHTML;
      this.at = this.revision;
      if (this.given === this.shown) return;
      this.shown = this.given;
      this.$el.setHTML(this.shown);
    },
    /* From one revision to another: keep so many letters at both ends. */
    patch(from, to, head, tail, middle) {
      if (to <= this.at) return;
      if (from !== this.at) return location.reload();
      this.at = to;
      this.shown = this.shown.slice(0, head) + middle + this.shown.slice(this.shown.length - tail);
      const next = this.$el.cloneNode(false);
      next.setHTML(this.shown);
      renew(this.$el, next);
    },
  },
};
