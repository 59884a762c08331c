// Polls the state a bounded number of times, and reloads the page when it has changed.
(() => {
  const progress = document.getElementById('progress');
  let attempts = 24;
  let wait = 2000;
  const poll = async () => {
    try {
      const answer = await fetch(location.href, { headers: { accept: 'application/json' }, cache: 'no-store' });
      const { state } = answer.ok ? await answer.json() : {};
      if (state && state !== progress.dataset.state) return location.reload();
    } catch { /* The next attempt may succeed. */ }
    attempts -= 1;
    if (attempts === 0) {
      progress.textContent = 'This page no longer updates by itself. Reload it to look again.';
      return;
    }
    wait = Math.min(wait * 1.25, 15000);
    setTimeout(poll, wait);
  };
  progress.textContent = 'This page updates by itself.';
  setTimeout(poll, wait);
})();
