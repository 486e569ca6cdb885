//! What every window has: its frame, the connection to the host, and one page that fills it.

mod banner;
mod icon;

use std::panic::{AssertUnwindSafe, catch_unwind};

use callboard_protocol::{BusMethod, Failure, FailureKind, WindowHeld, WindowRef, WindowSize};
use egui::{Context, Frame, Margin, Ui, ViewportBuilder, ViewportCommand};
use serde_json::json;

use crate::bus::{Bus, Dial, News};
use crate::tokens::Tokens;
use crate::windows::{self, Page, Wish};

/// The name by which desktops know the program.
const APP_ID: &str = "callboard";

/// The least that a side of a window may have, in points.
const LEAST_SIDE: u32 = 120;

/// What a window is opened with.
pub struct Options {
    /// The window.
    pub window: WindowRef,
    /// What proves that the host has started it.
    pub token: Option<String>,
    /// Whether it is light or dark.
    pub theme: Theme,
    /// Whether there is a display, as far as the environment tells.
    pub has_display: bool,
    /// The way to the host.
    pub dial: Dial,
}

/// Whether windows are light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// As the desktop is.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Opens a window and returns when it is closed; at once where another process has it, which then comes to the front.
///
/// # Errors
///
/// When there is no host, no such window, no display, or nothing to draw with.
pub fn run(options: Options) -> Result<(), Failure> {
    if !options.has_display {
        return Err(no_display());
    }
    let (bus, held) = Bus::open(options.dial, options.window.clone(), options.token)?;
    if !held.held {
        return Ok(());
    }
    let page = windows::page(&options.window, &held, &bus);
    let native = native_options(&options.window, &held, page.as_ref());
    let theme = options.theme;
    let open = || {
        eframe::run_native(
            APP_ID,
            native,
            Box::new(move |creation| {
                Ok(Box::new(Shell::new(&creation.egui_ctx, theme, bus, page)))
            }),
        )
    };
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(failure_from_error(&error)),
        Err(_) => Err(
            Failure::new(FailureKind::Internal, "the window has crashed")
                .hint("open it again; nothing that was kept is lost"),
        ),
    }
}

fn native_options(window: &WindowRef, held: &WindowHeld, page: &dyn Page) -> eframe::NativeOptions {
    let declared = held.declared.as_ref().map(|declared| &declared.window);
    let size = held.size.map_or_else(
        || {
            let usual = page.usual_size();
            let width = declared.and_then(|window| window.width);
            let height = declared.and_then(|window| window.height);
            [width.unwrap_or(usual.width), height.unwrap_or(usual.height)]
        },
        |size| [size.width, size.height],
    );
    #[expect(clippy::cast_precision_loss, reason = "sides of windows are small")]
    let [width, height] = size.map(|side| side.max(LEAST_SIDE) as f32);
    let mut viewport = ViewportBuilder::default()
        .with_title(page.title())
        .with_app_id(format!("{APP_ID}-{}", window.window))
        .with_icon(icon::icon())
        .with_inner_size([width, height])
        .with_clamp_size_to_monitor_size(true);
    if let Some(declared) = declared {
        viewport = viewport.with_decorations(!declared.borderless);
        if declared.on_top {
            viewport = viewport.with_always_on_top();
        }
    } else {
        viewport = viewport.with_min_inner_size([360.0, 240.0]);
    }
    eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Glow,
        persist_window: false,
        event_loop_builder: Some(Box::new(|builder| {
            // AccessKit turns winit's Wayland on, where nothing can be dropped and no window stays on top.
            #[cfg(target_os = "linux")]
            winit::platform::x11::EventLoopBuilderExtX11::with_x11(builder);
            #[cfg(not(target_os = "linux"))]
            let _ = builder;
        })),
        ..eframe::NativeOptions::default()
    }
}

/// A window.
pub(crate) struct Shell {
    bus: Bus,
    page: Box<dyn Page>,
    title: String,
    is_shown: bool,
    size: WindowSize,
}

impl Shell {
    pub(crate) fn new(context: &Context, theme: Theme, bus: Bus, page: Box<dyn Page>) -> Self {
        Tokens::apply(context);
        context.set_theme(match theme {
            Theme::System => egui::ThemePreference::System,
            Theme::Light => egui::ThemePreference::Light,
            Theme::Dark => egui::ThemePreference::Dark,
        });
        bus.repaints(context.clone());
        Self {
            bus,
            title: page.title(),
            page,
            is_shown: false,
            size: WindowSize::default(),
        }
    }

    /// Takes what the host has told since the last frame.
    fn take_news(&mut self, context: &Context) {
        for news in self.bus.news() {
            match news {
                News::Changed(changed) => self.page.news(&self.bus, &changed),
                News::Raise => {
                    context.send_viewport_cmd(ViewportCommand::Minimized(false));
                    context.send_viewport_cmd(ViewportCommand::Focus);
                    self.bus.tell(BusMethod::WindowsShown, &json!({}));
                }
                News::Close => context.send_viewport_cmd(ViewportCommand::Close),
            }
        }
    }

    /// Has the host remember the size that the person gives the window.
    fn remember_size(&mut self, context: &Context) {
        let rect = context.input(egui::InputState::viewport_rect);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "sides of windows are small and no less than 0"
        )]
        let size = WindowSize {
            width: rect.width().round() as u32,
            height: rect.height().round() as u32,
        };
        let is_held = context.input(|input| input.pointer.any_down());
        if size != self.size && !is_held {
            self.size = size;
            self.bus.tell(BusMethod::WindowsResized, &size);
        }
    }

    /// Draws the window.
    pub(crate) fn window_ui(&mut self, ui: &mut Ui) {
        if let Some(failure) = self.bus.down() {
            banner::down_ui(ui, &failure);
        }
        let context = ui.ctx().clone();
        let frame = Frame::new()
            .fill(Tokens::of(ui).ground)
            .inner_margin(Margin::same(16));
        let wish = egui::CentralPanel::default()
            .frame(frame)
            .show(ui, |ui| self.page.ui(ui, &self.bus))
            .inner;
        if wish == Wish::Close {
            context.send_viewport_cmd(ViewportCommand::Close);
        }
        let title = self.page.title();
        if title != self.title {
            self.title.clone_from(&title);
            context.send_viewport_cmd(ViewportCommand::Title(title));
        }
    }
}

impl eframe::App for Shell {
    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let context = ui.ctx().clone();
        self.take_news(&context);
        self.window_ui(ui);
        self.remember_size(&context);
        if context.input(|input| input.viewport().close_requested()) {
            self.page.closing(&self.bus);
        }
        if !self.is_shown {
            self.is_shown = true;
            self.bus.tell(BusMethod::WindowsShown, &json!({}));
        }
    }
}

fn no_display() -> Failure {
    Failure::new(
        FailureKind::Unavailable,
        "there is no display to open a window on",
    )
    .hint("run it from your desktop, or set `DISPLAY`")
}

fn failure_from_error(error: &eframe::Error) -> Failure {
    let failure = match error {
        eframe::Error::WinitEventLoop(_) | eframe::Error::Winit(_) => Failure::new(
            FailureKind::Unavailable,
            "the display takes no window",
        )
        .hint("check `DISPLAY`, and that libX11, libXcursor, libXi and libxkbcommon-x11 are installed"),
        eframe::Error::Glutin(_) | eframe::Error::NoGlutinConfigs(..) | eframe::Error::OpenGL(_) => {
            Failure::new(
                FailureKind::Unavailable,
                "the display has no OpenGL to draw with",
            )
            .hint("install the graphics driver, or Mesa's: libGL and libEGL")
        }
        _ => Failure::new(FailureKind::Internal, "the window could not be opened"),
    };
    failure.because(error.to_string())
}
