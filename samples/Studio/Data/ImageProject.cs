namespace Studio.Data;

/// <summary>The images of a project: what there is, and the changes that a person makes. Files are moved, never deleted.</summary>
/// <remarks>
/// An image is named by its path from the project's folder, with slashes. While a project is open, no other studio can open it.
/// </remarks>
internal sealed class ImageProject : IDisposable
{
    private const string TrashName = "trash";

    private readonly Lock _gate = new();
    private readonly ProjectLock _lock;
    private readonly UndoJournal _journal;
    private Listing _listing;

    public ImageProject(string folder)
    {
        if (File.Exists(folder))
        {
            throw new IOException($"'{folder}' is a file, but must be the project's folder: it may be empty, or not exist yet.");
        }

        Directory.CreateDirectory(folder);
        var info = new DirectoryInfo(Path.GetFullPath(folder));
        Folder = Path.TrimEndingDirectorySeparator(info.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? info.FullName);
        Directory.CreateDirectory(RunsFolder);
        Directory.CreateDirectory(TrashFolder);
        _lock = ProjectLock.Take(Folder); // before the first thing is read that another studio might change
        _journal = new UndoJournal(Folder);
        _listing = List();
    }

    /// <summary>Gets the full path of the project's folder.</summary>
    public string Folder { get; }

    public string RunsFolder => Path.Combine(Folder, "runs");

    private string TrashFolder => Path.Combine(Folder, TrashName);

    public void Dispose() => _lock.Dispose();

    /// <summary>Looks at the folder anew.</summary>
    public Listing Refresh()
    {
        lock (_gate)
        {
            return _listing = List();
        }
    }

    /// <summary>Gets what was there when the folder was last looked at.</summary>
    public Listing Current
    {
        get
        {
            lock (_gate)
            {
                return _listing;
            }
        }
    }

    /// <summary>Gets what the next undo takes back, and null if there is nothing.</summary>
    public string? NextUndo
    {
        get
        {
            lock (_gate)
            {
                return _journal.Last?.What;
            }
        }
    }

    /// <summary>Gets the full path of an image of the listing's classes.</summary>
    /// <exception cref="RefusedException">The path leads elsewhere, through a link, or to nothing.</exception>
    public string PathOf(string? image)
    {
        var parts = (image ?? "").Split('/');
        var layout = Current.Layout;
        if (parts.Length < 2 || !parts.All(Names.IsSafe) || ProjectLayout.Reserved.Contains(parts[0])
            || !ImageFiles.HasImageName(parts[^1]))
        {
            throw new RefusedException($"'{image}' is no image of this project.", StatusCodes.Status404NotFound);
        }

        var path = Inside(parts);
        return path.StartsWith(layout.Root, StringComparison.Ordinal) && File.Exists(path)
            ? path
            : throw new RefusedException($"There is no image '{image}'. It may have been moved.", StatusCodes.Status404NotFound);
    }

    /// <summary>Finds an image that may have been moved to another class since its path was noted.</summary>
    public string? Find(string image)
    {
        var listing = Current;
        if (listing.Contains(image))
        {
            return image;
        }

        var (part, name) = (listing.PartOf(image), image[(image.LastIndexOf('/') + 1)..]);
        return listing.Classes.Select(each => listing.IdOf(part, each.Name, name)).FirstOrDefault(listing.Contains);
    }

    public void NewClass(string? name)
    {
        name = Names.CheckClass(name);
        lock (_gate)
        {
            var layout = _listing.Layout;
            if (_listing.HasClass(name))
            {
                throw new RefusedException($"There is a class '{name}' already.", StatusCodes.Status409Conflict);
            }

            foreach (var part in layout.Parts)
            {
                Directory.CreateDirectory(Path.Combine(layout.Root, part, name));
            }

            _listing = List();
        }
    }

    /// <summary>Makes the folders of a project without images that is to have images of their own to test on.</summary>
    public void Split(IReadOnlyCollection<string> classes, string? test)
    {
        lock (_gate)
        {
            if (_listing.Classes.Length > 0 || !ProjectLayout.TestNames.Contains(test))
            {
                throw new RefusedException(
                    "Images to test on are put apart in an empty project only. In another one, move the folders yourself.",
                        StatusCodes.Status409Conflict);
            }

            foreach (var name in classes.Select(Names.CheckClass))
            {
                Directory.CreateDirectory(Path.Combine(Folder, "train", name));
                Directory.CreateDirectory(Path.Combine(Folder, test!, name));
            }

            _listing = List();
        }
    }

    public void RenameClass(string? from, string? to)
    {
        to = Names.CheckClass(to);
        lock (_gate)
        {
            CheckClass(from);
            if (_listing.HasClass(to) && !string.Equals(from, to, StringComparison.OrdinalIgnoreCase))
            {
                throw new RefusedException(
                    $"There is a class '{to}' already. To join the two, move the images of one to the other.",
                        StatusCodes.Status409Conflict);
            }

            var moves = new List<Move>();
            foreach (var part in _listing.Layout.Parts)
            {
                var (old, renamed) = (Path.Combine(_listing.Layout.Root, part, from!), Path.Combine(_listing.Layout.Root, part, to));
                if (Directory.Exists(old) && old != renamed)
                {
                    Directory.Move(old, renamed);
                    moves.Add(NewMove(old, renamed));
                }
            }

            Note($"the new name of '{from}'", moves);
            _listing = List();
        }
    }

    /// <summary>Moves images to a class, each within its part.</summary>
    public int MoveTo(IReadOnlyCollection<string> images, string? className)
    {
        lock (_gate)
        {
            CheckClass(className);
            var moves = new List<Move>();
            foreach (var image in images)
            {
                var path = PathOf(image);
                var folder = Path.Combine(_listing.Layout.Root, _listing.PartOf(image), className!);
                if (Path.GetDirectoryName(path) != folder)
                {
                    Directory.CreateDirectory(folder);
                    moves.Add(MoveFile(path, Path.Combine(folder, Path.GetFileName(path))));
                }
            }

            Note(moves.Count == 1 ? $"the move of one image to '{className}'" : $"the move of {moves.Count} images to '{className}'",
                moves);
            _listing = List();
            return moves.Count;
        }
    }

    /// <summary>Moves images to the trash folder, which keeps their paths.</summary>
    public int MoveToTrash(IReadOnlyCollection<string> images)
    {
        lock (_gate)
        {
            var moves = new List<Move>();
            foreach (var image in images)
            {
                var path = PathOf(image);
                var target = Path.Combine(TrashFolder, image.Replace('/', Path.DirectorySeparatorChar));
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                moves.Add(MoveFile(path, target));
            }

            Note(moves.Count == 1 ? "the removal of one image" : $"the removal of {moves.Count} images", moves);
            _listing = List();
            return moves.Count;
        }
    }

    /// <summary>Takes the last change back.</summary>
    /// <returns>What it was.</returns>
    /// <exception cref="RefusedException">There is none, or what it moved is not there any more.</exception>
    public string Undo()
    {
        lock (_gate)
        {
            var change = _journal.Last
                ?? throw new RefusedException("There is nothing to take back.", StatusCodes.Status409Conflict);
            try
            {
                (string From, string To)[] moves = [.. Enumerable.Reverse(change.Moves).Select(move => (Noted(move.From), Noted(move.To)))];
                if (!moves.Select(move => MoveBack(move.From, move.To)).ToArray().Contains(true))
                {
                    throw new RefusedException(
                        $"It cannot take back {change.What}: what was moved is not there any more.", StatusCodes.Status409Conflict);
                }
            }
            finally
            {
                _journal.RemoveLast(); // what cannot be taken back must not stand before what can
                _listing = List();
            }

            return change.What;
        }
    }

    /// <summary>Writes an image into a class.</summary>
    /// <returns>The image.</returns>
    public string Add(string? className, string? part, string fileName, ReadOnlySpan<byte> content)
    {
        lock (_gate)
        {
            CheckClass(className);
            var layout = _listing.Layout;
            part = string.IsNullOrEmpty(part) ? layout.Parts[0] : part;
            if (!layout.Parts.Contains(part))
            {
                throw new RefusedException($"There is no part '{part}': the images lie in {string.Join(" and ", layout.Parts)}.");
            }

            return Write(Path.Combine(layout.Root, part, className!), fileName, content);
        }
    }

    /// <summary>Writes an image into a folder below the project's, of checked names.</summary>
    public string Write(string folder, string fileName, ReadOnlySpan<byte> content)
    {
        lock (_gate)
        {
            Directory.CreateDirectory(folder);
            while (true)
            {
                var path = Free(Path.Combine(folder, fileName));
                try
                {
                    using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write);
                    file.Write(content);
                    return Relative(path);
                }
                catch (IOException) when (File.Exists(path))
                {
                    // Somebody else took the name.
                }
            }
        }
    }

    private void CheckClass(string? name)
    {
        if (name is null || !_listing.HasClass(name))
        {
            throw new RefusedException($"There is no class '{name}'.", StatusCodes.Status404NotFound);
        }
    }

    private void Note(string words, List<Move> moves)
    {
        if (moves.Count == 0)
        {
            return;
        }

        _journal.Add(new Change(words, DateTimeOffset.Now, [.. moves]));
    }

    private bool MoveBack(string from, string to)
    {
        if (Directory.Exists(to) && !Directory.Exists(from))
        {
            Directory.Move(to, from);
            return true;
        }

        if (!File.Exists(to))
        {
            return false;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(from)!);
        MoveFile(to, from);
        return true;
    }

    // The journal is a file, which others than the studio can write.
    private string Noted(string path)
    {
        var parts = path.Split('/');
        return parts.All(Names.IsSafe) && (parts[0] == TrashName || !ProjectLayout.Reserved.Contains(parts[0]))
            ? Inside(parts)
            : throw new RefusedException($"'{path}' in undo.json is no image of this project.");
    }

    private string Inside(string[] parts)
    {
        var path = Folder;
        foreach (var part in parts)
        {
            path = Path.Combine(path, part);
            if (new FileInfo(path).LinkTarget is not null)
            {
                throw new RefusedException(
                    $"'{string.Join('/', parts)}' is or lies behind a symbolic link, which the studio does not follow.");
            }
        }

        return path;
    }

    private Move NewMove(string from, string to) => new(Relative(from), Relative(to));

    private string Relative(string path) => Path.GetRelativePath(Folder, path).Replace('\\', '/');

    private Move MoveFile(string from, string to)
    {
        to = Free(to);
        File.Move(from, to);
        return NewMove(from, to);
    }

    // "a.jpg", or "a (2).jpg" where there is one.
    private static string Free(string path)
    {
        var (folder, stem, extension) = (Path.GetDirectoryName(path)!, Path.GetFileNameWithoutExtension(path), Path.GetExtension(path));
        for (var number = 2; Path.Exists(path); number++)
        {
            path = Path.Combine(folder, $"{stem} ({number}){extension}");
        }

        return path;
    }

    private Listing List()
    {
        var layout = ProjectLayout.Of(Folder);
        var names = layout.Parts.SelectMany(part => ProjectLayout.Folders(Path.Combine(layout.Root, part)))
            .Select(path => Path.GetFileName(path)).Distinct().Order(StringComparer.Ordinal);
        var classes = names.AsParallel().AsOrdered().Select(name => new ClassListing(
            name, [.. layout.Parts.Select(part => ImageFiles.Below(Path.Combine(layout.Root, part, name)))])).ToArray();
        return new Listing(Folder, layout, classes);
    }
}
