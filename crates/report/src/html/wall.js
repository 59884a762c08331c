'use strict';
// The wall of a report: search, filters, order, and a screenful of rows at a time. Without this
// script the whole table is there; with it the rows are taken out of the page, kept, and put back
// as they are asked for.
(() => {
  const PAGE = 100;
  const STATES = ['attention', 'unknown', 'in_progress', 'unconfigured', 'configured', 'not_applicable'];
  const SETTLED = ['configured', 'not_applicable'];
  const CHOICES = ['q', 'state', 'turn', 'intent', 'sort'];
  const find = (id) => document.getElementById(id);

  document.documentElement.classList.add('js');
  document.addEventListener('DOMContentLoaded', () => {
    const table = find('wall');
    if (table) start(table);
    document.documentElement.classList.add('ready');
  });

  // Letters as a person types them who has no key for an accent.
  const plain = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

  // What the search, the filters and the order look at.
  function read(body, index, turns) {
    const [head, ...cells] = body.rows[0].cells;
    const intents = cells.map((cell) => {
      const turn = turns.get(cell.lastElementChild?.textContent.trim());
      return { state: cell.className, turn, since: cell.querySelector('time')?.textContent ?? '' };
    });
    const waits = intents.filter((i) => i.state && !SETTLED.includes(i.state) && i.since);
    return {
      body,
      index,
      intents,
      name: head.querySelector('bdi').textContent,
      text: plain(`${head.textContent} ${body.dataset.id ?? ''}`),
      oldest: waits.map((i) => i.since).sort()[0] ?? '9999',
    };
  }

  function start(table) {
    const form = find('filters');
    const more = find('more');
    const turns = new Map(Array.from(find('turn').options, (option) => [option.text, option.value]));
    const rows = Array.from(table.tBodies, (body, index) => read(body, index, turns));
    const names = new Intl.Collator(document.documentElement.lang, { numeric: true });
    const columns = Array.from(find('intent').options, (option) => option.value).slice(1);
    // Rows come most urgent first; each order is worked out when it is first asked for.
    const orders = {
      '': () => rows,
      oldest: () => rows.toSorted((a, b) => (a.oldest < b.oldest ? -1 : a.oldest > b.oldest ? 1 : a.index - b.index)),
      name: () => rows.toSorted((a, b) => names.compare(a.name, b.name) || a.index - b.index),
    };
    const ordered = {};
    let limit = PAGE;
    let details = null;

    function chosen() {
      const words = plain(find('q').value).split(/\s+/).filter(Boolean);
      const [state, turn, intent] = ['state', 'turn', 'intent'].map((id) => find(id).value);
      const column = columns.indexOf(intent);
      const isState = (i) => !state || i.state === state || (state === 'open' && !SETTLED.includes(i.state));
      const fits = (i) => i.state && isState(i) && (!turn || i.turn === turn);
      const any = !state && !turn && !intent;
      const order = find('sort').value;
      ordered[order] ??= orders[order]();
      return ordered[order].filter(
        (row) =>
          words.every((word) => row.text.includes(word)) &&
          (any || (intent ? fits(row.intents[column]) : row.intents.some(fits))),
      );
    }

    function show() {
      const found = chosen();
      const shown = found.slice(0, limit);
      shown.forEach(unpack);
      table.replaceChildren(table.caption, table.tHead, ...shown.map((row) => row.body));
      const of = `${found.length} of ${rows.length} organizations`;
      find('found').textContent = shown.length < found.length ? `${of}, the first ${shown.length} shown` : of;
      const rest = found.length - shown.length;
      more.parentElement.hidden = rest === 0;
      more.textContent = `Show ${Math.min(rest, PAGE)} more`;
      find('all').textContent = `Show all ${found.length}`;
    }

    // Details of thousands of organizations come packed: one row of the table a line, written and
    // escaped by portalctl as the rows of a smaller table are.
    function unpack(row) {
      if (details && row.body.rows.length === 1) row.body.insertAdjacentHTML('beforeend', details[row.index]);
    }

    async function unpackAll(packed) {
      const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
      details = (await new Response(stream).text()).split('\n');
      Array.from(table.tBodies, (body) => rows.find((row) => row.body === body)).forEach(unpack);
    }

    // The view is in the address, so that it can be shared.
    function save() {
      const view = new URLSearchParams();
      for (const id of CHOICES) if (find(id).value) view.set(id, find(id).value);
      try {
        history.replaceState(null, '', `#${view}`);
      } catch {
        // Where a page may not change its address, the view is not kept.
      }
    }

    function load() {
      const view = new URLSearchParams(location.hash.slice(1));
      for (const id of CHOICES) {
        const field = find(id);
        field.value = view.get(id) ?? '';
        // A choice that this page does not have.
        if (field.selectedIndex === -1) field.value = '';
      }
      limit = PAGE;
      show();
    }

    let saving;
    function change() {
      limit = PAGE;
      show();
      clearTimeout(saving);
      saving = setTimeout(save, 200);
    }

    // Shows more rows, and goes on where they begin.
    function grow(to) {
      const before = table.tBodies.length;
      limit = to;
      show();
      table.tBodies[before]?.querySelector('summary')?.focus();
    }

    let opened = [];
    let kept = PAGE;
    addEventListener('beforeprint', () => {
      kept = limit;
      limit = Infinity;
      show();
      opened = Array.from(table.querySelectorAll('details:not([open])'));
      for (const one of opened) one.open = true;
    });
    addEventListener('afterprint', () => {
      for (const one of opened) one.open = false;
      limit = kept;
      show();
    });

    form.addEventListener('input', change);
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('reset', () => setTimeout(change));
    more.addEventListener('click', () => grow(limit + PAGE));
    find('all').addEventListener('click', () => grow(Infinity));
    // The page's own links lead to its parts, and are no views.
    addEventListener('hashchange', () => {
      if (location.hash === '' || location.hash.includes('=')) load();
    });
    form.hidden = false;
    load();
    const packed = find('packed');
    if (packed) {
      unpackAll(packed.textContent).catch(() => {
        const note = document.createElement('p');
        note.className = 'note';
        note.textContent = 'This browser cannot unpack reasons, next steps and evidence; a newer one can.';
        packed.after(note);
      });
    }
  }
})();
