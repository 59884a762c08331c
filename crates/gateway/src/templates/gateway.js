// Looks a bounded number of times whether the state has changed, and shows the page anew if so.
(() => {
  const progress = document.getElementById('progress');
  let left = 24;
  let wait = 2000;
  const look = async () => {
    try {
      const answer = await fetch(location.href, { headers: { accept: 'application/json' }, cache: 'no-store' });
      const { state } = answer.ok ? await answer.json() : {};
      if (state && state !== progress.dataset.state) return location.reload();
    } catch { /* The next look may go better. */ }
    left -= 1;
    if (left === 0) {
      progress.textContent = 'This page no longer updates by itself. Reload it to look again.';
      return;
    }
    wait = Math.min(wait * 1.25, 15000);
    setTimeout(look, wait);
  };
  progress.textContent = 'This page updates by itself.';
  setTimeout(look, wait);
})();
